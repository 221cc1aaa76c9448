"""What a person runs beside cdktf."""
