"""What carries messages between coordinator and devices; one file each."""
