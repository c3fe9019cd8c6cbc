CREATE TABLE `branch_commits` (
	`branch_id` text NOT NULL,
	`seq` integer NOT NULL,
	`project_id` text NOT NULL,
	`commit_id` text NOT NULL,
	PRIMARY KEY(`branch_id`, `seq`),
	FOREIGN KEY (`branch_id`) REFERENCES `branches`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `branch_commits_by_commit` ON `branch_commits` (`project_id`,`commit_id`);--> statement-breakpoint
CREATE TABLE `branches` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`stage_position` integer,
	`parent_stages` text NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `branches_by_name` ON `branches` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `commits` (
	`project_id` text NOT NULL,
	`id` text NOT NULL,
	`tree_id` text NOT NULL,
	`content` blob NOT NULL,
	PRIMARY KEY(`project_id`, `id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `deleted_projects` (
	`name` text PRIMARY KEY NOT NULL,
	`deleted_at` integer NOT NULL,
	`cleared_at` integer
);
--> statement-breakpoint
CREATE INDEX `deleted_projects_open` ON `deleted_projects` (`name`) WHERE "cleared_at" is null;--> statement-breakpoint
CREATE TABLE `events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`project` text NOT NULL,
	`stage` text NOT NULL,
	`service` text NOT NULL,
	`context` text NOT NULL,
	`type` text NOT NULL,
	`source` text NOT NULL,
	`time` integer NOT NULL,
	`root` integer NOT NULL,
	`event` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `events_by_id` ON `events` (`id`);--> statement-breakpoint
CREATE INDEX `events_by_project` ON `events` (`project`,`time`);--> statement-breakpoint
CREATE INDEX `events_by_type` ON `events` (`project`,`type`,`time`);--> statement-breakpoint
CREATE INDEX `events_by_context` ON `events` (`context`,`time`);--> statement-breakpoint
CREATE INDEX `events_roots` ON `events` (`project`,`time`) WHERE "root" = 1;--> statement-breakpoint
CREATE TABLE `files` (
	`branch_id` text NOT NULL,
	`path` text NOT NULL,
	`walk_key` text NOT NULL,
	`from_seq` integer NOT NULL,
	`until_seq` integer,
	`blob_id` text NOT NULL,
	`size` integer NOT NULL,
	PRIMARY KEY(`branch_id`, `path`, `from_seq`),
	FOREIGN KEY (`branch_id`) REFERENCES `branches`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `files_at_head` ON `files` (`branch_id`,`walk_key`) WHERE "until_seq" is null;--> statement-breakpoint
CREATE TABLE `folders` (
	`branch_id` text NOT NULL,
	`path` text NOT NULL,
	`from_seq` integer NOT NULL,
	`until_seq` integer,
	`tree_id` text NOT NULL,
	`file_count` integer NOT NULL,
	PRIMARY KEY(`branch_id`, `path`, `from_seq`),
	FOREIGN KEY (`branch_id`) REFERENCES `branches`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `folders_at_head` ON `folders` (`branch_id`,`path`) WHERE "until_seq" is null;--> statement-breakpoint
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`default_branch` text NOT NULL,
	`shipyard` text NOT NULL,
	`shipyard_version` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `projects_name_unique` ON `projects` (`name`);--> statement-breakpoint
CREATE TABLE `role_changes` (
	`id` text PRIMARY KEY NOT NULL,
	`project` text NOT NULL,
	`principal_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `role_changes_by_project` ON `role_changes` (`project`);--> statement-breakpoint
CREATE TABLE `services` (
	`branch_id` text NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`branch_id`, `name`),
	FOREIGN KEY (`branch_id`) REFERENCES `branches`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `trees` (
	`project_id` text NOT NULL,
	`id` text NOT NULL,
	`content` blob NOT NULL,
	PRIMARY KEY(`project_id`, `id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade
);
