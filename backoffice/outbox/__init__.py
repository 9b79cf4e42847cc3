"""Mail as rows: written in the transaction of their cause, sent by workers afterwards."""
