"""How a school pays without a card: a quote, a purchase order, an invoice, and a cheque or transfer."""
