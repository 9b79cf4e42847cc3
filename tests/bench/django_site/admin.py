"""The list of students: columns, a filter, a search, and actions as Django's documentation has them."""

import csv
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from tests.bench.django_site.models import Student

PAGE = 50


@admin.register(Student)
class StudentAdmin(admin.ModelAdmin):
    """What ours shows, by Django's means. A class is asked for by its number: a list of all is too long."""

    list_display = ("given_name", "family_name", "classroom", "points", "active_on")
    list_filter = ("active_on",)
    list_per_page = PAGE
    search_fields = ("given_name__istartswith", "family_name__istartswith")
    actions = ("leave", "export")

    @admin.action(description="Take out of this class")
    def leave(self, request: HttpRequest, queryset: Any) -> None:
        """In one statement, as "Writing action functions" has it."""
        del request
        queryset.update(classroom=None)

    @admin.action(description="Export")
    def export(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """As "Outputting CSV with Django" has it, with the classes in the same statement."""
        del request
        response = HttpResponse(
            content_type="text/csv", headers={"Content-Disposition": 'attachment; filename="students.csv"'}
        )
        write = csv.writer(response)
        write.writerow(self.list_display)
        for each in queryset.select_related("classroom"):
            write.writerow([each.given_name, each.family_name, each.classroom, each.points, each.active_on])
        return response
