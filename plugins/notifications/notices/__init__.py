"""Notices: what people are told about an incident, by a banner or by mail, and how far the telling is."""
