"""The data classes and enums that services and stores share."""
