"""Native code: graphs become loops, loops become machine code in the process. Layer L6."""
