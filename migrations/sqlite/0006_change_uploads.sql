ALTER TABLE `uploads` ADD `settings_at` integer;--> statement-breakpoint
ALTER TABLE `uploads` ADD `change_until` integer;