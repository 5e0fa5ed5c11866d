# Serving only: no TensorFlow. docker build -t emotion . && docker run -p 7860:7860 emotion
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 app
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app.py LICENSE README.md ./
COPY emotion_core emotion_core
# What visitors' browsers need to answer by themselves; --build-arg BROWSER_RUNTIME=no leaves it out
ARG BROWSER_RUNTIME=yes
RUN if [ "$BROWSER_RUNTIME" = yes ]; then \
      HF_HOME=/tmp/hub python -m emotion_core browser-runtime browser-runtime --source cdn && rm -r /tmp/hub; \
    fi
USER app
ENV PYTHONUNBUFFERED=1 GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 GRADIO_NUM_PORTS=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
