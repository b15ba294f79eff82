"""What scripts call: joins methods of all roles with files; and how jobs start (`warm`)."""
