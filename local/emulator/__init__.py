"""Run the built functions in AWS's runtime interface emulator, which the package of the SAM CLI contains.

``make invoke`` sends one of the sample events in ``events/`` to its function. The emulator and the runtime client
``awslambdaric`` are those of AWS's base images for Lambda, so no container is needed. They run on Linux.
"""
