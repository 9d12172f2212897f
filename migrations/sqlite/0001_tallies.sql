CREATE TABLE `creator_holdings` (
	`creator` text PRIMARY KEY NOT NULL,
	`reserved_seconds` integer NOT NULL,
	`stored_seconds` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `upload_counts` (
	`status` text PRIMARY KEY NOT NULL,
	`uploads` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `uploads_held`;