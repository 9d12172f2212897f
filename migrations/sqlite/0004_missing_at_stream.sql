ALTER TABLE `deployments` ADD `account` text;--> statement-breakpoint
ALTER TABLE `uploads` ADD `deleted_at` integer;--> statement-breakpoint
ALTER TABLE `uploads` ADD `seen_status` text;--> statement-breakpoint
ALTER TABLE `uploads` ADD `missing_checks` integer DEFAULT 0 NOT NULL;