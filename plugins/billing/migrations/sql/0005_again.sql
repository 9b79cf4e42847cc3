-- Whoever has an order tried again orders anew: how long it waits is counted from then.
grant update (placed_at) on plugin_billing.purchase_order to backoffice_app;
