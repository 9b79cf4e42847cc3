"""Django's admin over the students with plain names, as its documentation has one begin.

Its own tables stand in a schema of their own. Everything that it asks for is indexed.
"""

from typing import Any

from sqlalchemy import make_url

# Who may sign in to it.
USER, PASSWORD = "bench", "correct horse battery"


def made(address: str, patience: int) -> Any:
    """Django's admin with its own tables in a schema of their own, and somebody who may sign in to it."""
    import django as framework
    from django.conf import settings
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    url = make_url(address)
    options = f"-c search_path=django,plain,public -c statement_timeout={patience}s"
    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.bench.django_site.urls",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "tests.bench.django_site",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": url.host or url.query["host"],
                "PORT": url.port or url.query["port"],
                "NAME": url.database,
                "USER": url.username,
                "PASSWORD": url.password,
                "CONN_MAX_AGE": None,
                "OPTIONS": {"options": options},
            }
        },
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    framework.setup()
    from django.contrib.auth.models import User
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("create schema if not exists django")
    call_command("migrate", verbosity=0)
    if not User.objects.filter(username=USER).exists():
        User.objects.create_superuser(USER, "bench@people.example", PASSWORD)
    # The workers are made by forking, and each needs a connection of its own.
    connection.close()
    return get_wsgi_application()
