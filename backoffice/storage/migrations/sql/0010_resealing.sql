-- Sealed values are sealed anew when the key changes, in tables too that are otherwise only added to. The
-- sealed columns alone: a point's value and an entry of the trail stay as they were written, and a changed
-- detail does not answer to its entry's commitment.
grant update (keyring_mark) on app.installation to backoffice_system;
grant update (detail, address) on app.audit_detail to backoffice_system;
grant update (comment) on app.point_entry to backoffice_system;
grant update (recipient, message) on app.mail_content to backoffice_system;
