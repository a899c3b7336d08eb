"""The report as something to forward: one page of HTML that needs nothing else, and a PDF."""
