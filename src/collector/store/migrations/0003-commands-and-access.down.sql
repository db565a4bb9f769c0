DROP TABLE tokens, setup_codes, audit, command_reports, commands;
