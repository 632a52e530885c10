# The three images: the model server, the nights (and the registry's server), the page (and the command line).
#
#     docker build --target serving --tag ml-serving:1.0 .
#
# or all of them, with a project of your own or a model inside: `tenfold build`, see docs/images.md. Nothing is ever
# pasted into this file: what is chosen comes as a build argument, or as files in the folder that is built.
ARG PYTHON_IMAGE=python:3.12-slim

# pip lives here and in no image that runs.
FROM ${PYTHON_IMAGE} AS tools
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY constraints.txt pyproject.toml platform/images/requirements.py platform/images/trim.py ./
RUN python3 -m venv /pip \
 && /pip/bin/pip install --quiet --constraint constraints.txt setuptools \
 && python3 -m venv --without-pip /opt/tenfold

# What is installed changes seldom: these layers stay while the code changes.
FROM tools AS serving-libraries
RUN python3 requirements.py pyproject.toml serving > serving.txt \
 && /pip/bin/pip --python /opt/tenfold/bin/python install --quiet --constraint constraints.txt --requirement serving.txt \
 && python3 trim.py /opt/tenfold

FROM serving-libraries AS training-libraries
RUN python3 requirements.py pyproject.toml training platform > training.txt \
 && /pip/bin/pip --python /opt/tenfold/bin/python install --quiet --constraint constraints.txt --requirement training.txt \
 && python3 trim.py /opt/tenfold

FROM serving-libraries AS user-interface-libraries
RUN python3 requirements.py pyproject.toml page loadtests > user-interface.txt \
 && /pip/bin/pip --python /opt/tenfold/bin/python install --quiet --constraint constraints.txt --requirement user-interface.txt \
 && python3 trim.py /opt/tenfold

# tenfold's own code, and where the image runs models or trains them, a project of the user.
FROM serving-libraries AS serving-build
COPY . /context
RUN ["python3", "/context/platform/images/install.py", "--project"]

FROM training-libraries AS training-build
COPY . /context
RUN ["python3", "/context/platform/images/install.py", "--project"]

FROM user-interface-libraries AS user-interface-build
COPY . /context
RUN ["python3", "/context/platform/images/install.py"]

# What all images have in common: no compiler and no pip of ours, a user with a number for a name, and nothing that
# needs a writable root file system; only /tmp is written to.
FROM ${PYTHON_IMAGE} AS runtime
# The user has no entry in /etc/passwd: libraries that ask for a home or a name find one here. A base image need not
# name a PATH.
ENV PATH=/opt/tenfold/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LOGNAME=tenfold \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 \
    MLFLOW_DISABLE_TELEMETRY=true GIT_PYTHON_REFRESH=quiet
WORKDIR /

FROM runtime AS serving
COPY --from=serving-build /opt/tenfold /opt/tenfold
# The model, if one was baked in; else an empty folder, and TENFOLD_MODEL names a version of a registry.
COPY --from=serving-build /model /model
ARG MODEL_NAME=
ARG MODEL_VERSION=
ENV TENFOLD_MODEL=/model TENFOLD_NAME=$MODEL_NAME TENFOLD_VERSION=$MODEL_VERSION \
    TENFOLD_HOST=0.0.0.0 TENFOLD_PORT=8080
EXPOSE 8080
USER 10001:10001
ENTRYPOINT ["python", "-m", "tenfold.serving"]

FROM runtime AS training
COPY --from=training-build /opt/tenfold /opt/tenfold
USER 10001:10001
ENTRYPOINT ["python", "-m", "tenfold.training.train"]

FROM runtime AS user-interface
COPY --from=user-interface-build /opt/tenfold /opt/tenfold
EXPOSE 8081
USER 10001:10001
ENTRYPOINT ["tenfold"]
