"""The last changes of a record: kept beside what is changed, shown on its form, put back one by one."""
