"""Fresh processes, as Lambda starts them."""
