DROP TABLE broker_users;
