mod cooperation;
