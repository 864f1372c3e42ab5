"""The health records of tenants, and what their open problems need."""
