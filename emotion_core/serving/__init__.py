"""What any server needs: limits and refusals, temporary files, queues, live sessions."""
