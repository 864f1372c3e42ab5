"""Mass deactivations: their count, their limit, the alert, and the brake that refuses more of them."""
