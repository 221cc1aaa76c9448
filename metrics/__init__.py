"""Metric names, scrape jobs and recording rules as plain data, without CDKTF."""
