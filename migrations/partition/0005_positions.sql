CREATE INDEX `files_by_position` ON `files` (`branch_id`,`from_seq`);--> statement-breakpoint
CREATE INDEX `folders_by_position` ON `folders` (`branch_id`,`from_seq`);