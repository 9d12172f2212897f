CREATE TABLE `deployments` (
	`id` text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `kept_notices` (
	`uid` text NOT NULL,
	`body` text NOT NULL,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `kept_notices_once` ON `kept_notices` (`uid`,`body`);--> statement-breakpoint
CREATE INDEX `kept_notices_by_age` ON `kept_notices` (`received_at`);--> statement-breakpoint
CREATE TABLE `upload_events` (
	`upload_id` text NOT NULL,
	`version` integer NOT NULL,
	`status` text NOT NULL,
	`source` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`upload_id`, `version`),
	FOREIGN KEY (`upload_id`) REFERENCES `uploads`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `uploads` (
	`id` text PRIMARY KEY NOT NULL,
	`protocol` text NOT NULL,
	`creator` text NOT NULL,
	`name` text,
	`meta` text NOT NULL,
	`max_duration_seconds` integer NOT NULL,
	`max_size_bytes` integer NOT NULL,
	`allowed_origins` text NOT NULL,
	`require_signed_urls` integer NOT NULL,
	`scheduled_deletion` integer,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`requested_by` text NOT NULL,
	`idempotency_key` text,
	`fingerprint` text NOT NULL,
	`uid` text,
	`upload_url` text,
	`status` text NOT NULL,
	`version` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`total_bytes` integer,
	`received_bytes` integer,
	`encoding_percent` real,
	`failure_code` text,
	`failure_message` text,
	`received` integer NOT NULL,
	`duration_seconds` real,
	`width` integer,
	`height` integer,
	`size_bytes` integer,
	`hls_url` text,
	`dash_url` text,
	`thumbnail_url` text,
	`preview_url` text,
	`ready_at` integer,
	`described_at` integer,
	`gone_at` integer,
	`reserved_seconds` integer NOT NULL,
	`stored_seconds` integer NOT NULL,
	`check_at` integer,
	`idle_checks` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `uploads_uid` ON `uploads` (`uid`);--> statement-breakpoint
CREATE UNIQUE INDEX `uploads_key` ON `uploads` (`requested_by`,`idempotency_key`) WHERE "uploads"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX `uploads_by_creator` ON `uploads` (`creator`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `uploads_by_age` ON `uploads` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `uploads_due` ON `uploads` (`check_at`) WHERE "uploads"."check_at" is not null;--> statement-breakpoint
CREATE INDEX `uploads_unsettled` ON `uploads` (`created_at`) WHERE "uploads"."status" = 'RESERVED';--> statement-breakpoint
CREATE INDEX `uploads_retired` ON `uploads` (`created_at`) WHERE "uploads"."status" = 'RETIRED';--> statement-breakpoint
CREATE INDEX `uploads_held` ON `uploads` (`creator`,`reserved_seconds`,`stored_seconds`);