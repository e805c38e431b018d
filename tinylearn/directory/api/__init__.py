"""What the web page asks: what is registered, what fits what and why, queries, projects."""
