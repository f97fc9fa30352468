# A director has one such object, and its id is always the same.
terraform import lvs_ipvs_settings.all default
