"""The plain tables, which somebody else makes."""

from django.db import models


class Classroom(models.Model):
    """A class."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    school_id = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "classroom"

    def __str__(self) -> str:
        return str(self.name)


class Student(models.Model):
    """A student of one class."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField()
    school_id = models.BigIntegerField()
    classroom = models.ForeignKey(Classroom, models.PROTECT, null=True)
    given_name = models.TextField()
    family_name = models.TextField()
    points = models.IntegerField()
    created_at = models.DateTimeField()
    active_on = models.DateField()

    class Meta:
        managed = False
        db_table = "student"

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"
