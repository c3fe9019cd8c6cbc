CREATE TABLE `job_cursors` (
	`job` text PRIMARY KEY NOT NULL,
	`cursor` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `unnamed_blobs` (
	`project` text NOT NULL,
	`blob_id` text NOT NULL,
	`marked_at` integer NOT NULL,
	`taken_at` integer,
	`removed_at` integer,
	PRIMARY KEY(`project`, `blob_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `files_by_blob` ON `files` (`blob_id`,`branch_id`);