-- Whoever may write a mail says how soon it goes.
grant insert (rank, maybe_twice) on app.mail to backoffice_app;
