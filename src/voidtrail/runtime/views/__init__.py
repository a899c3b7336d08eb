"""What the console reads: answers shaped for pages, each number as the report has it."""
