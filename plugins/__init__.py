"""The parts that can be switched on and off. The core imports none of them."""
