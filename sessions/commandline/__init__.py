"""What a shell's command line would do, read off its words. Pure; nothing is run, expanded or looked up."""
