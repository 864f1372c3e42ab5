"""The pages about users: the list with its search, the page of a user, and the CSV files."""
