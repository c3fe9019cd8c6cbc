CREATE TABLE `job_runs` (
	`id` integer PRIMARY KEY NOT NULL,
	`jobs` text NOT NULL
);
