"""The smoke test of a deployed stack: ``python -m deployment.smoke --stack NAME``.

It checks on AWS what no emulator can show (docs/operate/smoke-test.md). It connects a throw-away customer, and removes
everything that it created. It is not part of the deployed functions.
"""
