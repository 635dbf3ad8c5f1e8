"""Who did what to which X-ray or setting: recorded by API and worker, kept as a chain of lines.

`events` has what is recorded, `routes` what each call of the API counts as, `requests` the one
place where the API records it.
"""
