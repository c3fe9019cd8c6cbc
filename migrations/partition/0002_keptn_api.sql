CREATE TABLE `event_counts` (
	`bucket` integer NOT NULL,
	`project` text NOT NULL,
	`service` text NOT NULL,
	`type` text NOT NULL,
	`source` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`bucket`, `project`, `service`, `type`, `source`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `integration_logs` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`integration_id` text NOT NULL,
	`message` text NOT NULL,
	`time` integer NOT NULL,
	`context` text NOT NULL,
	`task` text NOT NULL,
	`triggered_id` text NOT NULL,
	`git_commit_id` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `integration_logs_by_time` ON `integration_logs` (`time`);--> statement-breakpoint
CREATE INDEX `integration_logs_by_integration` ON `integration_logs` (`integration_id`,`time`);--> statement-breakpoint
CREATE INDEX `integration_logs_by_age` ON `integration_logs` (`created_at`);--> statement-breakpoint
CREATE TABLE `integrations` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`namespace` text NOT NULL,
	`metadata` text NOT NULL,
	`last_seen` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `integrations_by_name` ON `integrations` (`name`,`namespace`);--> statement-breakpoint
CREATE INDEX `integrations_by_last_seen` ON `integrations` (`last_seen`);--> statement-breakpoint
CREATE TABLE `secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`scope` text NOT NULL,
	`keys` text NOT NULL,
	`sealed` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `service_events` (
	`branch_id` text NOT NULL,
	`service` text NOT NULL,
	`type` text NOT NULL,
	`event_id` text NOT NULL,
	`context` text NOT NULL,
	`time` integer NOT NULL,
	PRIMARY KEY(`branch_id`, `service`, `type`),
	FOREIGN KEY (`branch_id`,`service`) REFERENCES `services`(`branch_id`,`name`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`integration_id` text NOT NULL,
	`id` text NOT NULL,
	`position` integer NOT NULL,
	`event` text NOT NULL,
	`filter` text NOT NULL,
	PRIMARY KEY(`integration_id`, `id`),
	FOREIGN KEY (`integration_id`) REFERENCES `integrations`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `events` ADD `triggered_id` text;--> statement-breakpoint
UPDATE `events` SET `triggered_id` = `event` ->> '$.triggeredid';--> statement-breakpoint
CREATE INDEX `events_invalidations` ON `events` (`triggered_id`,`type`) WHERE "type" glob '*.invalidated';--> statement-breakpoint
ALTER TABLE `projects` ADD `git_remote` text;--> statement-breakpoint
ALTER TABLE `projects` ADD `git_secret` text;--> statement-breakpoint
ALTER TABLE `services` ADD `deployed_image` text;