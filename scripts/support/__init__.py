"""What several programs share: options, tables, pictures, files, ranks."""
