"""Long work as jobs in SQL that outlive the process that began them."""
