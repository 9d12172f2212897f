-- The tallies are kept by triggers, so that whoever writes uploads keeps them true: also an older
-- version of the gateway that still runs on this file. The empty name stands for everybody.
CREATE TRIGGER `uploads_added` AFTER INSERT ON `uploads` BEGIN
	INSERT INTO `creator_holdings` (`creator`, `reserved_seconds`, `stored_seconds`)
	VALUES (new.`creator`, new.`reserved_seconds`, new.`stored_seconds`), ('', new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`) DO UPDATE SET
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
	INSERT INTO `upload_counts` (`status`, `uploads`) VALUES (new.`status`, 1)
	ON CONFLICT (`status`) DO UPDATE SET `uploads` = `uploads` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `uploads_holding_changed` AFTER UPDATE OF `reserved_seconds`, `stored_seconds` ON `uploads`
WHEN old.`reserved_seconds` <> new.`reserved_seconds` OR old.`stored_seconds` <> new.`stored_seconds` BEGIN
	UPDATE `creator_holdings` SET
		`reserved_seconds` = `reserved_seconds` + new.`reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + new.`stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '');
END;
--> statement-breakpoint
CREATE TRIGGER `uploads_status_changed` AFTER UPDATE OF `status` ON `uploads`
WHEN old.`status` <> new.`status` BEGIN
	UPDATE `upload_counts` SET `uploads` = `uploads` - 1 WHERE `status` = old.`status`;
	INSERT INTO `upload_counts` (`status`, `uploads`) VALUES (new.`status`, 1)
	ON CONFLICT (`status`) DO UPDATE SET `uploads` = `uploads` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `uploads_removed` AFTER DELETE ON `uploads` BEGIN
	UPDATE `creator_holdings` SET
		`reserved_seconds` = `reserved_seconds` - old.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - old.`stored_seconds`
	WHERE `creator` IN (old.`creator`, '');
	UPDATE `upload_counts` SET `uploads` = `uploads` - 1 WHERE `status` = old.`status`;
END;
--> statement-breakpoint
-- No upload ever changes hands; should one be given away by hand, this goes with it.
CREATE TRIGGER `uploads_creator_changed` AFTER UPDATE OF `creator` ON `uploads`
WHEN old.`creator` <> new.`creator` BEGIN
	UPDATE `creator_holdings` SET
		`reserved_seconds` = `reserved_seconds` - new.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` - new.`stored_seconds`
	WHERE `creator` = old.`creator`;
	INSERT INTO `creator_holdings` (`creator`, `reserved_seconds`, `stored_seconds`)
	VALUES (new.`creator`, new.`reserved_seconds`, new.`stored_seconds`)
	ON CONFLICT (`creator`) DO UPDATE SET
		`reserved_seconds` = `reserved_seconds` + excluded.`reserved_seconds`,
		`stored_seconds` = `stored_seconds` + excluded.`stored_seconds`;
END;
--> statement-breakpoint
INSERT INTO `creator_holdings` (`creator`, `reserved_seconds`, `stored_seconds`)
SELECT `creator`, sum(`reserved_seconds`), sum(`stored_seconds`) FROM `uploads` GROUP BY `creator`
UNION ALL SELECT '', coalesce(sum(`reserved_seconds`), 0), coalesce(sum(`stored_seconds`), 0) FROM `uploads`;
--> statement-breakpoint
INSERT INTO `upload_counts` (`status`, `uploads`)
SELECT `status`, count(*) FROM `uploads` GROUP BY `status`;
