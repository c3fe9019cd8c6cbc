DROP INDEX `tokens_by_name`;--> statement-breakpoint
ALTER TABLE `tokens` ADD `successor_id` text;--> statement-breakpoint
CREATE INDEX `tokens_by_owner` ON `tokens` (`owner_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_by_name` ON `tokens` (`owner_id`,`name`) WHERE successor_id is null;