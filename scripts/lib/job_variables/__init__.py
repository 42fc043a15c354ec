"""Writes the tables of job variables in the pages on workers, from the schemas of the workers' own job templates."""
