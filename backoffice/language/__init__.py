"""The languages of pages, mails and papers: texts through gettext, moments and amounts by the locale."""
