ALTER TABLE `integration_logs` ADD `project` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `integration_logs_by_project` ON `integration_logs` (`project`,`time`);--> statement-breakpoint
UPDATE `integration_logs` SET `project` = coalesce((SELECT `project` FROM `events` WHERE `context` = `integration_logs`.`context` LIMIT 1), '');
