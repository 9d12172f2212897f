CREATE TABLE `callback_deliveries` (
	`upload_id` text NOT NULL,
	`target` text NOT NULL,
	`version` integer NOT NULL,
	`event_id` text NOT NULL,
	`at` integer NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`due_at` integer,
	`last_status` integer,
	`last_error` text,
	`done_at` integer,
	PRIMARY KEY(`upload_id`, `target`, `version`)
);
--> statement-breakpoint
CREATE INDEX `callback_deliveries_due` ON `callback_deliveries` (`target`,`due_at`) WHERE "callback_deliveries"."due_at" is not null;--> statement-breakpoint
CREATE INDEX `callback_deliveries_waiting` ON `callback_deliveries` (`target`,`at`) WHERE "callback_deliveries"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX `callback_deliveries_dead` ON `callback_deliveries` (`target`) WHERE "callback_deliveries"."state" = 'dead';--> statement-breakpoint
CREATE INDEX `callback_deliveries_done` ON `callback_deliveries` (`state`,`done_at`) WHERE "callback_deliveries"."done_at" is not null;--> statement-breakpoint
CREATE TABLE `callback_events` (
	`id` text PRIMARY KEY NOT NULL,
	`upload_id` text NOT NULL,
	`version` integer NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE TRIGGER `callback_delivery_removed` AFTER DELETE ON `callback_deliveries` BEGIN
	DELETE FROM `callback_events` WHERE `id` = old.`event_id` AND NOT EXISTS (
		SELECT 1 FROM `callback_deliveries` WHERE `upload_id` = old.`upload_id` AND `version` = old.`version`
	);
END;
