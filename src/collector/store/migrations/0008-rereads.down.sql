DROP TABLE rereads;
