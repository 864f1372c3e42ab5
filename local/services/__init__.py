"""What stands in for AWS's services: servers in processes of their own, on this machine only."""
