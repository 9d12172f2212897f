-- WITHOUT ROWID was added by hand: one tree instead of two to write to.
CREATE TABLE `upload_tallies` (
	`creator` text NOT NULL,
	`status` text NOT NULL,
	`protocol` text NOT NULL,
	`uploads` integer NOT NULL,
	`reserved_seconds` integer NOT NULL,
	`stored_seconds` integer NOT NULL,
	PRIMARY KEY(`creator`, `status`, `protocol`)
) WITHOUT ROWID;
--> statement-breakpoint
DROP INDEX `uploads_held`;