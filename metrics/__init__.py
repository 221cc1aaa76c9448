"""What is measured: metric names, scrape jobs and recording rules as pure data, without CDKTF."""
